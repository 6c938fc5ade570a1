//! The interface `org.plenum.Console1`, as [`plenum_protocol::console`] describes it. The bus lets only the
//! display's user call it.

use crate::api::Api;
use plenum_protocol::console::OBJECT_PATH;
use zbus::{Connection, fdo};

struct Interface(Api);

#[zbus::interface(name = "org.plenum.Console1")]
impl Interface {
    async fn show(&self) -> fdo::Result<String> {
        let display = self.0.display().await.map_err(failed)?;
        serde_json::to_string(&display).map_err(failed)
    }

    async fn restart(&self) -> fdo::Result<()> {
        self.0.restart_from_display().await.map_err(failed)
    }

    async fn reset_network(&self) -> fdo::Result<()> {
        self.0.reset_network_from_display().await.map_err(failed)
    }

    async fn apply_settings(&self) -> fdo::Result<()> {
        self.0.apply_settings_from_display().await.map_err(failed)
    }

    async fn offer_settings(&self, text: String, trust: String) -> fdo::Result<()> {
        let trust = trust.parse().map_err(failed)?;
        self.0.offer_settings(text, trust).await.map_err(failed)
    }

    async fn reset_to_factory(&self) -> fdo::Result<()> {
        self.0.reset_from_display().await.map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> fdo::Error {
    fdo::Error::Failed(error.to_string())
}

pub async fn serve(bus: &Connection, api: Api) -> zbus::Result<()> {
    bus.object_server().at(OBJECT_PATH, Interface(api)).await?;
    Ok(())
}
