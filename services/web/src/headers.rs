//! Security headers of every answer (HD7, EN3).

use axum::response::Response;
use hyper::header::{HeaderMap, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY};

/// Nothing inline, nothing evaluated, nothing from elsewhere; text becomes markup in Svelte's own templates
/// only (trusted types). `connect-src 'self'` covers `wss:` on the same
/// host and port (checked in Chromium and Firefox).
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; \
    font-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html";

/// What a meeting needs, for this origin; other powerful features are off.
const PERMISSIONS_POLICY: &str = "camera=(self), microphone=(self), display-capture=(self), \
    fullscreen=(self), screen-wake-lock=(self), speaker-selection=(self), accelerometer=(), \
    browsing-topics=(), clipboard-read=(), encrypted-media=(), gamepad=(), geolocation=(), gyroscope=(), \
    hid=(), idle-detection=(), local-fonts=(), magnetometer=(), midi=(), payment=(), serial=(), \
    storage-access=(), usb=(), xr-spatial-tracking=()";

const HEADERS: &[(&str, &str)] = &[
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("permissions-policy", PERMISSIONS_POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    // Everything is of one origin: the page can be isolated from all others.
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// One year. Without subdomains: they are not ours.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

pub(crate) async fn add(mut response: Response) -> Response {
    insert(response.headers_mut());
    response
}

fn insert(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hd7_nothing_unsafe() {
        let mut headers = HeaderMap::new();
        insert(&mut headers);
        let policy = headers["content-security-policy"].to_str().unwrap();
        for forbidden in ["unsafe-inline", "'unsafe-eval'", "*", "http:", "https:"] {
            assert!(!policy.contains(forbidden), "{forbidden}");
        }
        assert!(policy.starts_with("default-src 'none'; "));
        assert_eq!(headers["strict-transport-security"], "max-age=31536000");
    }
}
