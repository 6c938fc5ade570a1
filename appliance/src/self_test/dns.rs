//! Names and addresses, asked of systemd-resolved as the box itself would.

use std::net::IpAddr;
use std::time::Duration;
use zbus::Connection;

/// `AF_UNSPEC` of the C library.
const ANY: i32 = 0;
const LIMIT: Duration = Duration::from_secs(8);

#[zbus::proxy(
    interface = "org.freedesktop.resolve1.Manager",
    default_service = "org.freedesktop.resolve1",
    default_path = "/org/freedesktop/resolve1"
)]
trait Resolver {
    #[allow(clippy::type_complexity, reason = "the signature of systemd")]
    fn resolve_hostname(
        &self,
        interface: i32,
        name: &str,
        family: i32,
        flags: u64,
    ) -> zbus::Result<(Vec<(i32, i32, Vec<u8>)>, String, u64)>;
    fn resolve_address(
        &self,
        interface: i32,
        family: i32,
        address: &[u8],
        flags: u64,
    ) -> zbus::Result<(Vec<(i32, String)>, u64)>;
    /// Of mDNS as well, after it has given way to others of the same name.
    #[zbus(property(emits_changed_signal = "false"), name = "LLMNRHostname")]
    fn own_name(&self) -> zbus::Result<String>;
}

/// Where the name leads; why it leads nowhere.
pub(super) async fn addresses(bus: &Connection, name: &str) -> Result<Vec<IpAddr>, String> {
    let asked = async {
        let resolver = ResolverProxy::new(bus).await?;
        resolver.resolve_hostname(0, name, ANY, 0).await
    };
    let (found, _, _) = timely(asked).await?;
    Ok(found.into_iter().filter_map(|(_, _, bytes)| address(&bytes)).collect())
}

/// The names of an address.
pub(super) async fn names(bus: &Connection, address: IpAddr) -> Result<Vec<String>, String> {
    let (family, bytes) = match address {
        IpAddr::V4(address) => (nix::libc::AF_INET, address.octets().to_vec()),
        IpAddr::V6(address) => (nix::libc::AF_INET6, address.octets().to_vec()),
    };
    let asked = async {
        let resolver = ResolverProxy::new(bus).await?;
        resolver.resolve_address(0, family, &bytes, 0).await
    };
    let (found, _) = timely(asked).await?;
    Ok(found.into_iter().map(|(_, name)| name).collect())
}

/// Under which the box's neighbours reach it.
pub(crate) async fn local_name(bus: &Connection) -> Result<String, String> {
    let asked = async { ResolverProxy::new(bus).await?.own_name().await };
    Ok(format!("{}.local", timely(asked).await?))
}

async fn timely<T>(asked: impl Future<Output = zbus::Result<T>>) -> Result<T, String> {
    match tokio::time::timeout(LIMIT, asked).await {
        Err(_) => Err("the DNS servers do not answer".to_owned()),
        Ok(Err(zbus::Error::MethodError(_, Some(detail), _))) => Err(detail),
        Ok(answer) => answer.map_err(|error| error.to_string()),
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}
