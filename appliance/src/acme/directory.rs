//! The box's HTTPS client as instant-acme wants it, with a limit on what a directory may answer.

use crate::sources::https::Client;
use http_body_util::{BodyExt, Limited};
use hyper::body::Bytes;
use hyper::{Request, Response};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use std::pin::Pin;
use std::time::Duration;
use tokio::time::timeout;

const MAX_ANSWER: usize = 256 << 10;
/// For a whole answer.
const LIMIT: Duration = Duration::from_secs(60);

pub(super) struct Directory(pub(super) Client);

impl HttpClient for Directory {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.0.clone();
        Box::pin(async move {
            let answer = timeout(LIMIT, async {
                let (parts, body) = client.send(request).await?.into_parts();
                let body =
                    Limited::new(body, MAX_ANSWER).collect().await.map_err(anyhow::Error::from_boxed)?;
                Ok::<_, anyhow::Error>(Response::from_parts(
                    parts,
                    http_body_util::Full::new(body.to_bytes()),
                ))
            });
            match answer.await {
                Ok(Ok(answer)) => Ok(BytesResponse::from(answer)),
                Ok(Err(error)) => Err(Error::Other(error.into_boxed_dyn_error())),
                Err(late) => Err(Error::Other(Box::new(late))),
            }
        })
    }
}
