use std::time::Duration;

/// Times and sizes that a client has to keep to. The defaults are those of the running daemon.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From accepting the connection to the end of the TLS handshake.
    pub handshake: Duration,
    /// From there to the first byte. Browsers open connections ahead of need: closing one costs them nothing.
    pub first_byte: Duration,
    /// For all header lines of an HTTP/1.1 request, counted from the end of the one before.
    pub header: Duration,
    /// Bytes of an HTTP/1.1 request's head; of an HTTP/2 header list.
    pub header_bytes: u32,
    /// Header lines.
    pub headers: usize,
    /// For the body of a request.
    pub body: Duration,
    pub body_bytes: usize,
    /// For signaling's answer, and its size.
    pub answer: Duration,
    pub answer_bytes: usize,
    /// For connecting to a neighbour's Unix socket.
    pub connect: Duration,
    /// A client that takes nothing of what is sent to it.
    pub stall: Duration,
    /// A connection without a request.
    pub idle: Duration,
    /// A connection on which no request begins or ends although some are under way.
    pub stuck: Duration,
    /// A WebSocket, and a TURN stream, in neither direction of which anything moves. Clients of the first
    /// send a ping every few seconds; allocations of the second last 10 minutes (RFC 8656 section 3.2).
    pub websocket_idle: Duration,
    pub relay_idle: Duration,
    /// Requests at once on one HTTP/2 connection. Browsers send up to 100 before they have been told.
    pub streams: u32,
    /// HTTP/2 streams reset by the client before they were looked at (CVE-2023-44487).
    pub resets: usize,
    /// How long requests under way may take when the daemon ends.
    pub drain: Duration,
}

impl Limits {
    /// For what takes a slow disk a minute, or has a long answer: backups, the audit log, a factory reset.
    pub(crate) fn for_long_answers(self) -> Limits {
        Limits { answer: Duration::from_secs(60), answer_bytes: 24 << 20, ..self }
    }

    /// For a backup of the box in one body, or a part of an update, which a slow line takes a minute for.
    pub(crate) fn for_files(self) -> Limits {
        Limits { body: Duration::from_secs(60), body_bytes: 24 << 20, ..self.for_long_answers() }
    }

    /// For what asks servers of others: that they are silent is an answer, too.
    pub(crate) fn for_checks(self) -> Limits {
        Limits { answer: 2 * self.answer, ..self }
    }

    /// For the institution's logo in base64.
    pub(crate) fn for_logo(self) -> Limits {
        Limits { body_bytes: 512 << 10, ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Limits {
            handshake: seconds(10),
            first_byte: seconds(15),
            header: seconds(20),
            header_bytes: 16 * 1024,
            headers: 64,
            body: seconds(15),
            body_bytes: 64 * 1024,
            answer: seconds(10),
            answer_bytes: 1024 * 1024,
            connect: seconds(2),
            stall: seconds(30),
            idle: seconds(75),
            stuck: seconds(300),
            websocket_idle: seconds(90),
            relay_idle: seconds(660),
            streams: 100,
            resets: 20,
            drain: seconds(5),
        }
    }
}
