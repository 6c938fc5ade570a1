//! The daemon under test: it serves lines of text on its TCP socket.

use anyhow::Context as _;
use plenum_daemon::Context;
use plenum_protocol::settings::WebSettings;
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub(crate) fn main() -> ExitCode {
    plenum_daemon::run("probe", |context: Context<WebSettings>| async move {
        let listeners = context.sockets.tcp("https", &context.settings.listen)?;
        let listener = listeners.into_iter().next().context("no listener")?;
        let address = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        let mut reload = context.reload();
        context.status(&format!("listening on {address}"));
        context.ready();
        loop {
            tokio::select! {
                () = context.shutdown.wait() => return Ok(()),
                () = reload.next() => log::info!(target: "plenum_probe", files = 1; "taken up again"),
                accepted = listener.accept() => {
                    tokio::spawn(serve(accepted?.0));
                }
            }
        }
    })
}

async fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await? {
        match line.as_str() {
            // Blocks the only thread of the runtime, as a bug would.
            "hang" => std::thread::sleep(Duration::from_secs(60)),
            "panic" => panic!("asked to"),
            _ => writer.write_all(format!("{line}\n").as_bytes()).await?,
        }
    }
    Ok(())
}
