//! The JSON API, asked on signaling's own socket.

use anyhow::{Context, Result, bail};
use plenum_protocol::http::{CreateMeeting, Meeting};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

pub fn create_meeting(socket: &Path, title: &str, host_key: &str) -> Result<Meeting> {
    let request = CreateMeeting { title: title.to_owned(), host_key: Some(host_key.to_owned()) };
    let body = post(socket, "/api/meetings", &serde_json::to_string(&request)?)?;
    serde_json::from_str(&body).context("signaling's answer is not a meeting")
}

/// One HTTP/1.1 request on a connection of its own; a 2xx answer's body.
fn post(socket: &Path, path: &str, body: &str) -> Result<String> {
    let mut stream = UnixStream::connect(socket).context("signaling does not answer")?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 127.0.0.1\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("signaling's answer is cut off")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if !status.starts_with('2') {
        bail!("{path} was refused ({status}): {body}");
    }
    Ok(body.to_owned())
}
