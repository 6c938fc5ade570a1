//! Listening sockets: those that the service manager passed under a name (`FileDescriptorName=` of a socket
//! unit), or else bound here.

use crate::descriptors;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

const BACKLOG: i32 = 1_024;

/// Sockets by name. Each is handed out once.
#[derive(Debug, Default)]
pub struct Activated(Mutex<Vec<(String, OwnedFd)>>);

impl Activated {
    /// What LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID announce. The descriptors belong to the first caller.
    pub fn from_environment() -> io::Result<Self> {
        Ok(Activated(Mutex::new(descriptors::take()?)))
    }

    /// Nothing passed: everything is bound.
    pub fn none() -> Self {
        Activated::default()
    }

    /// Non-blocking TCP listeners. `[::]` also accepts IPv4.
    pub fn tcp(&self, name: &str, addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
        let passed = self.take(name);
        if passed.is_empty() {
            return addresses.iter().map(|address| Ok(bind(*address, Type::STREAM)?.into())).collect();
        }
        passed.into_iter().map(|fd| Ok(TcpListener::from(inet(fd, name, Type::STREAM)?))).collect()
    }

    /// Non-blocking UDP sockets. `[::]` also receives IPv4.
    pub fn udp(&self, name: &str, addresses: &[SocketAddr]) -> io::Result<Vec<UdpSocket>> {
        let passed = self.take(name);
        if passed.is_empty() {
            return addresses.iter().map(|address| Ok(bind(*address, Type::DGRAM)?.into())).collect();
        }
        passed.into_iter().map(|fd| Ok(UdpSocket::from(inet(fd, name, Type::DGRAM)?))).collect()
    }

    /// A Unix stream listener with the given mode. Its directory is made; a socket left by a daemon that
    /// died is replaced; one that is alive, or another kind of file, is an error.
    pub fn unix_listener(&self, name: &str, path: &Path, mode: u32) -> io::Result<tokio::net::UnixListener> {
        let listener = match self.take(name).pop() {
            Some(fd) => passed_unix(fd, name)?,
            None => bind_unix(path, mode).map_err(|error| named(error, &path.display().to_string()))?,
        };
        tokio::net::UnixListener::from_std(listener)
    }

    fn take(&self, name: &str) -> Vec<OwnedFd> {
        let mut passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        passed.extract_if(.., |(candidate, _)| candidate == name).map(|(_, fd)| fd).collect()
    }
}

/// The error keeps its kind and says what it is about.
fn named(error: io::Error, what: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

fn bind(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let bound = match bind_exactly(address, kind) {
        // A kernel without IPv6 still serves IPv4.
        Err(error)
            if error.raw_os_error() == Some(nix::libc::EAFNOSUPPORT) && address.ip().is_unspecified() =>
        {
            bind_exactly(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())), kind)
        }
        bound => bound,
    };
    bound.map_err(|error| {
        let layer = if kind == Type::STREAM { "TCP" } else { "UDP" };
        let remedy = match error.kind() {
            ErrorKind::AddrInUse => " (another process has it; stop that or choose another port)",
            ErrorKind::PermissionDenied => {
                " (ports below 1024 need a socket unit or CAP_NET_BIND_SERVICE; choose another port)"
            }
            ErrorKind::AddrNotAvailable => " (this machine has no such address)",
            _ => "",
        };
        named(error, &format!("{layer} {address} cannot be bound{remedy}"))
    })
}

fn bind_exactly(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let protocol = if kind == Type::STREAM { Protocol::TCP } else { Protocol::UDP };
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    if kind == Type::STREAM {
        // Connections of the previous process in TIME_WAIT do not block a restart.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    if kind == Type::STREAM {
        socket.listen(BACKLOG)?;
    }
    Ok(socket)
}

/// A passed descriptor, checked against what the caller is going to do with it.
fn checked(fd: OwnedFd, name: &str, fits: impl Fn(&Socket) -> io::Result<bool>) -> io::Result<Socket> {
    let socket = Socket::from(fd);
    match fits(&socket) {
        Ok(true) => {}
        Ok(false) => {
            return Err(io::Error::new(
                ErrorKind::InvalidInput,
                format!("the socket passed as {name} is of another kind; check its socket unit"),
            ));
        }
        Err(error) => return Err(named(error, &format!("the descriptor passed as {name}"))),
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn inet(fd: OwnedFd, name: &str, kind: Type) -> io::Result<Socket> {
    checked(fd, name, |socket| {
        Ok(socket.r#type()? == kind
            && socket.local_addr()?.as_socket().is_some()
            && (kind == Type::DGRAM || socket.is_listener()?))
    })
}

fn passed_unix(fd: OwnedFd, name: &str) -> io::Result<std::os::unix::net::UnixListener> {
    let socket = checked(fd, name, |socket| {
        Ok(socket.r#type()? == Type::STREAM && socket.local_addr()?.is_unix() && socket.is_listener()?)
    })?;
    Ok(socket.into())
}

fn bind_unix(path: &Path, mode: u32) -> io::Result<std::os::unix::net::UnixListener> {
    if let Some(parent) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
    }
    remove_stale(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    // Before listening: nobody can have connected with the mode that the umask left.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn remove_stale(path: &Path) -> io::Result<()> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "there is a file that is not a socket; remove it or choose another path",
        ));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(ErrorKind::AddrInUse, "another process is listening there")),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(error) => Err(error),
    }
}

/// Whether `[::]` accepts IPv4 on this socket, for tests and logs.
pub fn is_dual_stack(socket: &impl std::os::fd::AsFd) -> bool {
    SockRef::from(socket).only_v6().is_ok_and(|only| !only)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;
    use std::os::unix::net::UnixStream;

    fn error_of(path: &Path) -> io::Error {
        Activated::none().unix_listener("x", path, 0o600).unwrap_err()
    }

    #[test]
    fn the_unspecified_ipv6_address_accepts_ipv4() {
        let any = SocketAddr::from(([0u16; 8], 0));
        let listeners = Activated::none().tcp("https", &[any]).unwrap();
        let port = listeners[0].local_addr().unwrap().port();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let sockets = Activated::none().udp("media", &[any]).unwrap();
        assert!(sockets[0].local_addr().unwrap().port() != 0);
    }

    #[test]
    fn a_port_that_is_taken_says_so() {
        let first = Activated::none().tcp("https", &[SocketAddr::from(([127, 0, 0, 1], 0))]).unwrap();
        let address = first[0].local_addr().unwrap();
        let error = Activated::none().tcp("https", &[address]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("TCP {address} cannot be bound (another process")));
    }

    #[tokio::test]
    async fn a_unix_socket_has_its_directory_and_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signaling/http.sock");
        let _listener = Activated::none().unix_listener("http", &path, 0o660).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        UnixStream::connect(&path).unwrap();
    }

    #[tokio::test]
    async fn a_socket_of_a_dead_daemon_is_replaced_and_one_alive_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("http.sock");
        let first = Activated::none().unix_listener("http", &path, 0o600).unwrap();
        assert_eq!(error_of(&path).kind(), ErrorKind::AddrInUse);
        drop(first);
        let _second = Activated::none().unix_listener("http", &path, 0o600).unwrap();
        UnixStream::connect(&path).unwrap();
    }

    #[tokio::test]
    async fn another_file_in_the_way_is_never_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("http.sock");
        std::fs::write(&path, "precious").unwrap();
        let error = error_of(&path);
        assert!(error.to_string().contains("not a socket"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
        let link = dir.path().join("link.sock");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(error_of(&link).kind(), ErrorKind::AlreadyExists);
    }
}
