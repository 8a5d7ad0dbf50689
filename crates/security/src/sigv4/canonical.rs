//! The canonical form of a request, which client and server sign.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::HttpRequest;

/// Everything but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const ENCODED_IN_PATH: &AsciiSet = &ENCODED.remove(b'/');

/// The canonical request over the given headers (lower case, sorted). `unsigned` is a query
/// parameter that is left out: the signature of a presigned URL.
pub(super) fn request(
    request: &HttpRequest<'_>,
    signed: &[&str],
    payload_hash: &str,
    unsigned: Option<&str>,
) -> String {
    let mut headers = String::new();
    for name in signed {
        headers.push_str(name);
        headers.push(':');
        headers.push_str(&header_value(request, name));
        headers.push('\n');
    }
    let (path, query) = (path(request.path), query(request.query, unsigned));
    format!("{}\n{path}\n{query}\n{headers}\n{}\n{payload_hash}", request.method, signed.join(";"))
}

/// Without `.`, `..` and empty segments, and encoded once more than on the wire.
pub(super) fn path(raw: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in raw.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    let mut path = format!("/{}", kept.join("/"));
    let directory = raw.ends_with('/') || raw.ends_with("/.") || raw.ends_with("/..");
    if directory && path.len() > 1 {
        path.push('/');
    }
    percent_encode(path.as_bytes(), ENCODED_IN_PATH).to_string()
}

/// The parameters in canonical encoding, sorted by name and then value.
pub(super) fn query(raw: &str, unsigned: Option<&str>) -> String {
    let mut parameters: Vec<(String, String)> = raw
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (canonical_encoding(name), canonical_encoding(value)))
        .filter(|(name, _)| Some(name.as_str()) != unsigned)
        .collect();
    parameters.sort();
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn canonical_encoding(text: &str) -> String {
    let bytes: Vec<u8> = percent_decode_str(text).collect();
    percent_encode(&bytes, ENCODED).to_string()
}

/// A decoded value. `None` when it is absent or not UTF-8.
pub(super) fn query_value(raw: &str, name: &str) -> Option<String> {
    let pairs = raw.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(n, _)| *n == name)?;
    percent_decode_str(value).decode_utf8().ok().map(|text| text.into_owned())
}

/// All values of a header joined by commas, each with its white space collapsed.
fn header_value(request: &HttpRequest<'_>, name: &str) -> String {
    let lines = request.headers.iter().filter(|(n, _)| *n == name);
    let values = lines.map(|(_, value)| {
        let text = String::from_utf8_lossy(value);
        text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
    });
    values.collect::<Vec<_>>().join(",")
}

/// Encodes a value of a query.
#[cfg(test)]
pub(super) fn encode(text: &str) -> String {
    percent_encode(text.as_bytes(), ENCODED).to_string()
}
