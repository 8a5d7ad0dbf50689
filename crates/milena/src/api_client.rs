//! Signed calls to the MSK API of a running milena, for the command line.

use std::{path::Path, time::Duration};

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use milena_runtime::Runtime;
use milena_security::{
    credentials::{AccessKey, Credentials},
    sigv4::{HttpRequest, Signer},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

use crate::{data_dir, settings};

const TIMEOUT: Duration = Duration::from_secs(30);
const RESPONSE_BYTES_MAX: usize = 64 << 20;
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An error response of the API.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiCallError {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    message: String,
}

/// One API endpoint and the key to sign with.
pub(crate) struct ApiClient {
    runtime: Runtime,
    /// `host:port`
    authority: String,
    region: String,
    /// `None` when there is no credentials file: the API may require none.
    key: Option<AccessKey>,
}

impl ApiClient {
    /// The API that serves from `data_dir`, or the one at `endpoint`, with the key of that
    /// directory.
    pub(crate) fn new(
        runtime: Runtime,
        data_dir: &Path,
        endpoint: Option<String>,
        region: Option<String>,
    ) -> anyhow::Result<Self> {
        let published = data_dir::published_endpoint(data_dir);
        let (url, published_region) = match published {
            Some((url, region)) => (Some(url), Some(region)),
            None => (None, None),
        };
        let default = format!("http://{}", settings::DEFAULT_LISTEN);
        let url = endpoint.or(url).unwrap_or(default);
        let region =
            region.or(published_region).unwrap_or_else(|| settings::DEFAULT_REGION.to_owned());
        let authority = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let has_port = |authority: &&str| {
            let parts = authority.rsplit_once(':');
            parts.is_some_and(|(host, port)| {
                !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok()
            })
        };
        let Some(authority) = authority.filter(has_port) else {
            bail!("the endpoint '{url}' is not of the form http://HOST:PORT");
        };
        let file = data_dir::credentials(data_dir);
        let exists = file.try_exists();
        let exists = exists.with_context(|| {
            format!(
                "cannot read {}; run as the user who owns it, or pass --data-dir",
                file.display()
            )
        })?;
        let key = if exists { Some(Credentials::load(&file)?.default_key().clone()) } else { None };
        Ok(Self { runtime, authority: authority.to_owned(), region, key })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.authority)
    }

    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// What a probe, such as `/ready`, says: whether it succeeds, and its body.
    pub(crate) async fn probe(&self, path: &str) -> anyhow::Result<(bool, Value)> {
        let response = timeout(TIMEOUT, self.send(&Method::GET, path, "", String::new())).await;
        let (status, body) = response
            .map_err(|_| anyhow::anyhow!("no response from {} within 30 s", self.authority))??;
        let body = serde_json::from_slice(&body)
            .with_context(|| format!("{} is not an MSK API; check --endpoint", self.authority))?;
        Ok((status.is_success(), body))
    }

    /// One call. `path` has its labels encoded already. A response without a body is null.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let query: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let query = query.join("&");
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = timeout(TIMEOUT, self.send(&method, path, &query, body)).await;
        let (status, body) = answer
            .map_err(|_| anyhow::anyhow!("no response from {} within 30 s", self.authority))??;
        let value: Value = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).with_context(|| {
                format!("{} is not an MSK API; check --endpoint", self.authority)
            })?
        };
        if status.is_success() {
            return Ok(value);
        }
        let mut message = value["message"].as_str().unwrap_or("the API gave no reason").to_owned();
        if status == StatusCode::UNAUTHORIZED && self.key.is_none() {
            message =
                "the API requires signed requests, but there is no credentials file; name the \
                       data directory of the running milena with --data-dir"
                    .to_owned();
        }
        Err(ApiCallError { status, message }.into())
    }

    async fn send(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        body: String,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let authority = &self.authority;
        let stream = TcpStream::connect(authority).await.with_context(|| {
            format!("cannot connect to {authority}; start milena or set --endpoint")
        })?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        drop(self.runtime.spawn(connection));
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let mut request = Request::builder().method(method).uri(target).header("host", authority);
        // Also without a body: an API without signatures goes by it.
        if !body.is_empty() || method == Method::POST {
            request = request.header("content-type", "application/json");
        }
        if let Some(key) = &self.key {
            let headers: &[(&str, &[u8])] = &[("host", authority.as_bytes())];
            let signed = HttpRequest {
                method: method.as_str(),
                path,
                query,
                headers,
                body: body.as_bytes(),
            };
            let signer = Signer::new(key.clone(), self.region.clone(), "kafka");
            for (name, value) in signer.headers(&signed, self.runtime.wall_ms()) {
                request = request.header(name, value);
            }
        }
        let answer = sender.send_request(request.body(Full::new(Bytes::from(body)))?).await;
        let (head, body) =
            answer.with_context(|| format!("{authority} did not answer as HTTP"))?.into_parts();
        let body = Limited::new(body, RESPONSE_BYTES_MAX).collect().await;
        let body = body
            .map_err(|error| anyhow::anyhow!("the response of {authority} broke off: {error}"))?;
        Ok((head.status, body.to_bytes()))
    }
}

/// A text as one label of a path or one value of a query.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}
