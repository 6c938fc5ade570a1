//! The front on loopback, with real TLS clients.

mod front {
    mod api;
    mod certificates;
    mod house;
    mod limits;
    mod mutations;
    mod pages;
    mod process;
    mod relay;
    mod tls;
    mod websocket;
}
