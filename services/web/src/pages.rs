//! The user interface's files, embedded when the daemon was built.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use std::collections::HashMap;

/// A file as `build.rs` embeds it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Embedded {
    /// With a slash in front.
    path: &'static str,
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

mod embedded {
    use super::Embedded;
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// Vite puts a hash of the content into the names below this folder.
const HASHED: &str = "/assets/";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const REVALIDATE: &str = "no-cache";
const INDEX: &str = "/index.html";

const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
    <title>Plenum: not built</title>\n<h1>The user interface was not built</h1>\n\
    <p>This server was built without it. Run <code>cargo xtask build</code> and start the server again.</p>\n\
    </html>\n";

#[derive(Debug)]
pub(crate) struct Pages(HashMap<&'static str, Page>);

#[derive(Debug)]
struct Page {
    content_type: &'static str,
    cache: &'static str,
    /// Best first; the plain form last.
    forms: Vec<Form>,
}

#[derive(Debug)]
struct Form {
    /// The content coding's name (RFC 9110 section 8.4.1); None: the file itself.
    coding: Option<&'static str>,
    etag: HeaderValue,
    content: &'static [u8],
}

impl Pages {
    pub(crate) fn embedded() -> Self {
        Pages::new(embedded::FILES)
    }

    fn new(files: &[Embedded]) -> Self {
        Pages(files.iter().map(|file| (file.path, Page::new(file))).collect())
    }

    /// The page that draws every view.
    pub(crate) fn index(&self, request: &HeaderMap) -> Response {
        self.file(INDEX, request).unwrap_or_else(not_built)
    }

    /// The file of this path. The index has its own paths and none of this kind.
    pub(crate) fn file(&self, path: &str, request: &HeaderMap) -> Option<Response> {
        self.0.get(path).map(|page| page.answer(request))
    }
}

impl Page {
    fn new(file: &Embedded) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, file.plain);
        let hash: String = digest.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let forms = [(Some("br"), file.brotli), (Some("gzip"), file.gzip), (None, Some(file.plain))];
        let form = |(coding, content): (Option<&'static str>, Option<&'static [u8]>)| {
            // RFC 9110 section 8.8.3: forms that differ need different strong validators.
            let etag = format!("\"{hash}-{}\"", coding.unwrap_or("plain"));
            let etag = HeaderValue::from_str(&etag).expect("hexadecimal digits and letters");
            Some(Form { coding, etag, content: content? })
        };
        Page {
            content_type: content_type(file.path),
            cache: if file.path.starts_with(HASHED) { IMMUTABLE } else { REVALIDATE },
            forms: forms.into_iter().filter_map(form).collect(),
        }
    }

    fn answer(&self, request: &HeaderMap) -> Response {
        let accepted = Accepted::of(request);
        let form = self.forms.iter().find(|form| form.coding.is_none_or(|coding| accepted.takes(coding)));
        let form = form.expect("the plain form is always there and always taken");
        let known = request.get(IF_NONE_MATCH).is_some_and(|tags| matches(tags, &form.etag));
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.insert(ETAG, form.etag.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(self.cache));
        if self.forms.len() > 1 {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Some(coding) = form.coding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        *response.body_mut() = Body::from(Bytes::from_static(form.content));
        response
    }
}

/// RFC 9110 section 12.5.3, as far as it goes here: a coding is taken if it is named without `q=0`.
struct Accepted<'a>(Vec<&'a str>);

impl<'a> Accepted<'a> {
    fn of(request: &'a HeaderMap) -> Self {
        let values = request.get_all(ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
        let codings = values.flat_map(|value| value.split(',')).filter_map(|entry| {
            let (coding, parameter) = entry.split_once(';').unwrap_or((entry, "q=1"));
            let quality = parameter.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
            quality.is_some_and(|quality| quality > 0.0).then_some(coding.trim())
        });
        Accepted(codings.collect())
    }

    fn takes(&self, coding: &str) -> bool {
        self.0.iter().any(|accepted| accepted.eq_ignore_ascii_case(coding))
    }
}

/// RFC 9110 section 13.1.2: the weak comparison.
fn matches(tags: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(tags), Ok(etag)) = (tags.to_str(), etag.to_str()) else { return false };
    tags.split(',').any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
    })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn not_built() -> Response {
    let mut response = Response::new(Body::from(NOT_BUILT));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &[Embedded] = &[
        Embedded { path: "/index.html", plain: b"<html>", gzip: None, brotli: None },
        Embedded { path: "/assets/a-1.js", plain: b"plain", gzip: Some(b"gz"), brotli: Some(b"br") },
    ];

    fn get(path: &str, headers: &[(&'static str, &str)]) -> Response {
        let mut request = HeaderMap::new();
        for (name, value) in headers {
            request.append(*name, HeaderValue::from_str(value).unwrap());
        }
        Pages::new(FILES).file(path, &request).unwrap()
    }

    #[test]
    fn the_best_form_that_the_client_takes() {
        for (accepted, coding) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("gzip", Some("gzip")),
            ("br;q=0, gzip;q=0.5", Some("gzip")),
            ("br;q=banana", None),
            ("identity", None),
            ("", None),
        ] {
            let response = get("/assets/a-1.js", &[("accept-encoding", accepted)]);
            let found = response.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap());
            assert_eq!(found, coding, "{accepted}");
            assert_eq!(response.headers()[VARY], "accept-encoding");
        }
    }

    #[test]
    fn hashed_names_are_kept_for_a_year_and_the_index_is_asked_for_again() {
        let asset = get("/assets/a-1.js", &[]);
        assert_eq!(asset.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(asset.headers()[CONTENT_TYPE], "text/javascript; charset=utf-8");
        let index = get("/index.html", &[]);
        assert_eq!(index.headers()[CACHE_CONTROL], "no-cache");
        assert!(!index.headers().contains_key(VARY));
    }

    #[test]
    fn a_known_form_is_not_sent_again() {
        let first = get("/assets/a-1.js", &[("accept-encoding", "br")]);
        let etag = first.headers()[ETAG].to_str().unwrap().to_owned();
        let again = |tags: &str, coding: &str| {
            get("/assets/a-1.js", &[("accept-encoding", coding), ("if-none-match", tags)]).status()
        };
        assert_eq!(again(&etag, "br"), StatusCode::NOT_MODIFIED);
        assert_eq!(again(&format!("\"x\", W/{etag}"), "br"), StatusCode::NOT_MODIFIED);
        assert_eq!(again("*", "br"), StatusCode::NOT_MODIFIED);
        assert_eq!(again(&etag, "gzip"), StatusCode::OK, "another form");
        assert_eq!(again("\"x\"", "br"), StatusCode::OK);
    }

    #[test]
    fn without_the_user_interface_the_page_says_so() {
        let response = Pages::new(&[]).index(&HeaderMap::new());
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(NOT_BUILT.contains("cargo xtask build"));
    }
}
