//! Orders outlive the connection that brought them.

use crate::manager::Refused;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// What a call has begun is done to its end, and noted, whoever hangs up meanwhile.
pub(super) async fn to_its_end(request: Request, next: Next) -> Response {
    if request.method() == Method::GET {
        return next.run(request).await;
    }
    let done = tokio::spawn(next.run(request)).await;
    done.unwrap_or_else(|error| Refused::mistake(&error).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::middleware;
    use axum::routing::post;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn an_order_is_carried_out_although_its_client_has_gone() {
        let (begun, gone, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let seen = (begun.clone(), gone.clone(), done.clone());
        let order = move || {
            let (begun, gone, done) = seen.clone();
            async move {
                begun.notify_one();
                gone.notified().await;
                // Time to be dropped.
                tokio::time::sleep(Duration::from_millis(50)).await;
                done.notify_one();
            }
        };
        let router = Router::new().route("/", post(order)).layer(middleware::from_fn(to_its_end));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, router).into_future());
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"POST / HTTP/1.1\r\nhost: box\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        begun.notified().await;
        drop(client);
        gone.notify_one();
        tokio::time::timeout(Duration::from_secs(20), done.notified()).await.unwrap();
    }
}
