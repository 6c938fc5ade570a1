//! The manager's API on the command line: signs in, makes one call, signs out. What it may do, the account's role says.

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, SET_COOKIE};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use plenum_protocol::manager::{ManagerError, SessionInfo, SignIn};
use std::io::{BufRead, Write};
use std::path::PathBuf;
use tokio::net::UnixStream;

const MAX_ANSWER: usize = 64 << 20;

#[derive(Args)]
pub struct Options {
    method: Verb,
    /// As in docs/openapi.json, without `/api/box/`: `overview`, `settings/network`
    path: String,
    /// JSON
    body: Option<String>,
    /// Account; password and code of the second factor are read from the standard input, a line each
    #[arg(long)]
    name: String,
    #[arg(long, default_value = "/run/plenum/appliance/http.sock")]
    socket: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

/// What a browser keeps of a session.
#[derive(Default)]
struct Session {
    cookie: String,
    csrf_token: String,
}

/// Prints the answer's body.
pub async fn run(options: Options, input: &mut impl BufRead, output: &mut impl Write) -> Result<()> {
    let mut ask = |what: &str| -> Result<String> {
        eprint!("{what}: ");
        let mut line = String::new();
        input.read_line(&mut line).with_context(|| format!("{what} was not given"))?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    };
    let password = {
        let _unseen = Unseen::begin();
        ask("Password")?
    };
    let typed = SignIn { name: options.name.clone(), password, code: Some(ask("Code")?) };
    let typed = serde_json::to_string(&typed)?;
    let client = Client { socket: options.socket };
    let mut session = Session::default();
    let entered = client.send(Method::POST, "sign-in", Some(typed), &mut session).await.context("sign-in")?;
    let info: SessionInfo = serde_json::from_slice(&entered).context("another version answers")?;
    session.csrf_token = info.csrf_token.unwrap_or_default();
    let method = match options.method {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
        Verb::Put => Method::PUT,
        Verb::Delete => Method::DELETE,
    };
    let answer = client.send(method, &options.path, options.body, &mut session).await;
    let left = client.send(Method::POST, "sign-out", None, &mut session).await;
    output.write_all(&answer?)?;
    left.context("sign-out").map(drop)
}

/// What is typed at a terminal is not shown meanwhile; elsewhere there is nothing to hide.
struct Unseen(Option<Termios>);

impl Unseen {
    fn begin() -> Unseen {
        let before = tcgetattr(std::io::stdin()).ok();
        if let Some(mut unseen) = before.clone() {
            unseen.local_flags.remove(LocalFlags::ECHO);
            // The end of the line is.
            unseen.local_flags.insert(LocalFlags::ECHONL);
            let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, &unseen);
        }
        Unseen(before)
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, before);
        }
    }
}

struct Client {
    socket: PathBuf,
}

impl Client {
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        session: &mut Session,
    ) -> Result<Bytes> {
        let socket = || format!("{} cannot be reached: is plenum-appliance running?", self.socket.display());
        let stream = UnixStream::connect(&self.socket).await.with_context(socket)?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let path = path.trim_start_matches("/api/box/");
        let mut request =
            Request::builder().method(method).uri(format!("/api/box/{path}")).header(HOST, "box");
        if !session.cookie.is_empty() {
            request = request.header(COOKIE, &session.cookie).header("x-csrf-token", &session.csrf_token);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = Full::new(Bytes::from(body.unwrap_or_default()));
        let answer = sender.send_request(request.body(body).context("the path is none")?).await?;
        let (head, body) = answer.into_parts();
        if let Some(cookie) = head.headers.get(SET_COOKIE).and_then(|value| value.to_str().ok()) {
            session.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        }
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(anyhow::Error::from_boxed).context("the answer")?.to_bytes();
        if head.status.is_success() {
            return Ok(body);
        }
        match serde_json::from_slice::<ManagerError>(&body) {
            Ok(ManagerError { detail, field, .. }) => {
                bail!("{}{detail}", field.map(|field| format!("{field}: ")).unwrap_or_default())
            }
            Err(_) => bail!("{}", head.status),
        }
    }
}
