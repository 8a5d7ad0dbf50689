//! What an API without signatures asks of a request instead: that no web page has sent it.
//!
//! A page in the user's own browser reaches loopback addresses. It is kept out by three things that
//! it cannot choose: its host name, which DNS may have pointed here (`Host`), where it came from
//! (`Origin`), and the content type, which a page of another origin may not set to JSON without
//! asking first.

use std::net::IpAddr;

use http::{HeaderMap, Method, header};

use crate::error::ApiError;

/// The content types that HTML forms have: a page may send those anywhere.
const FORM_TYPES: [&str; 3] =
    ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/// The host names that requests may be for.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnHosts {
    /// Beyond the loopback ones: where the API listens, and what clients are told.
    pub(crate) names: Vec<String>,
}

impl OwnHosts {
    /// Refuses a request that a web page may have sent.
    pub(super) fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
        self.check_host(headers)?;
        check_origin(headers)?;
        check_content_type(method, headers)
    }

    /// Refuses a request for a name that is not this machine's.
    pub(super) fn check_host(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
        if hosts.next().is_none() && self.is_own(host_name(host)) {
            return Ok(());
        }
        let shown: String = host.chars().take(100).collect();
        Err(ApiError::Forbidden(format!(
            "without signatures this API takes requests for localhost and loopback addresses only, \
             not for the host '{shown}'; use such an address, or start milena without --no-auth"
        )))
    }

    fn is_own(&self, name: &str) -> bool {
        let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        let address: Option<IpAddr> = address.unwrap_or(name).parse().ok();
        name.eq_ignore_ascii_case("localhost")
            || address.is_some_and(|address| address.to_canonical().is_loopback())
            || self.names.iter().any(|own| {
                own.eq_ignore_ascii_case(name)
                    || address.is_some_and(|address| own.parse() == Ok(address))
            })
    }
}

/// The host without a port.
fn host_name(host: &str) -> &str {
    if host.starts_with('[') {
        return host.split_inclusive(']').next().unwrap_or_default();
    }
    host.split(':').next().unwrap_or_default()
}

/// Browsers name the origin of every request that changes something.
fn check_origin(headers: &HeaderMap) -> Result<(), ApiError> {
    let host = headers.get(header::HOST).map(|host| host.as_bytes()).unwrap_or_default();
    let is_same = |origin: &[u8]| origin.strip_prefix(b"http://") == Some(host);
    if headers.get_all(header::ORIGIN).iter().all(|origin| is_same(origin.as_bytes())) {
        return Ok(());
    }
    Err(ApiError::Forbidden(
        "without signatures this API takes no requests from pages of another origin; start milena \
         without --no-auth"
            .to_owned(),
    ))
}

/// PUT, PATCH and DELETE a browser sends to another origin only after asking, whatever their type.
fn check_content_type(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.map(|text| text.split(';').next().unwrap_or_default().trim());
    let is_form = |essence: &str| FORM_TYPES.iter().any(|form| form.eq_ignore_ascii_case(essence));
    if essence.map_or(*method == Method::POST, |essence| essence.is_empty() || is_form(essence)) {
        return Err(ApiError::Forbidden(
            "without signatures this API takes changes with content-type: application/json only; \
             send that header, as every AWS SDK does"
                .to_owned(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "a constant of few bytes")]
    fn outcome(method: Method, pairs: &[(header::HeaderName, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let own = OwnHosts { names: vec!["kafka.example".to_owned(), "10.0.0.5".to_owned()] };
        own.check(&method, &headers).is_ok()
    }

    #[test]
    fn only_this_machines_names_are_taken() {
        for host in [
            "localhost",
            "LOCALHOST:8085",
            "127.0.0.1:8085",
            "127.9.9.9",
            "[::1]:8085",
            "[::1]",
            "kafka.example:1",
            "10.0.0.5:8085",
        ] {
            assert!(outcome(Method::GET, &[(header::HOST, host)]), "{host}");
        }
        for host in ["", "evil.example:8085", "localhost.evil.example", "10.0.0.6", "127.0.0.1.x"] {
            assert!(!outcome(Method::GET, &[(header::HOST, host)]), "{host}");
        }
        assert!(!outcome(Method::GET, &[]));
        let twice = [(header::HOST, "localhost"), (header::HOST, "evil.example")];
        assert!(!outcome(Method::GET, &twice));
    }

    #[test]
    fn other_origins_are_refused() {
        let from = |origin| {
            let host = (header::HOST, "localhost:8085");
            outcome(Method::GET, &[host, (header::ORIGIN, origin)])
        };
        assert!(from("http://localhost:8085"));
        for origin in
            ["null", "http://evil.example", "http://localhost:1", "https://localhost:8085"]
        {
            assert!(!from(origin), "{origin}");
        }
    }

    #[test]
    fn changes_need_a_type_that_no_form_has() {
        let with = |method: Method, kind: Option<&str>| {
            let mut pairs = vec![(header::HOST, "localhost")];
            pairs.extend(kind.map(|kind| (header::CONTENT_TYPE, kind)));
            outcome(method, &pairs)
        };
        assert!(with(Method::POST, Some("application/json")));
        assert!(with(Method::POST, Some("application/json; charset=utf-8")));
        assert!(with(Method::DELETE, None) && with(Method::PUT, None) && with(Method::GET, None));
        for kind in [
            "text/plain",
            "Text/Plain;charset=UTF-8",
            "multipart/form-data; boundary=x",
            "",
            "application/x-www-form-urlencoded",
        ] {
            assert!(!with(Method::POST, Some(kind)), "{kind}");
            assert!(!with(Method::DELETE, Some(kind)), "{kind}");
        }
        assert!(!with(Method::POST, None));
    }
}
