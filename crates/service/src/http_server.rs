//! HTTP in front of the operations: connections, bounded bodies, signatures, and the form of
//! errors.
//!
//! HTTP/1.1 only. A body is read whole, up to a limit, before its signature is checked, for the
//! signature covers it; whoever names no known access key is refused before. A client that neither
//! sends nor reads in time loses its connection ([timed_writes]), and earlier where another client
//! needs a place ([connections]). Every response carries `x-amzn-RequestId`; an error names its
//! exception in `x-amzn-errortype` and has a JSON body of `message` and, where one member is at
//! fault, `invalidParameter`.

mod connections;
mod origin;
mod other_services;
mod probes;
mod timed_writes;

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use milena_runtime::Runtime;
use milena_security::sigv4::{HttpRequest, SigV4Error, Verifier, signed_service};
use milena_types::{shortened, shortened_to};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use connections::{Admitted, CONNECTIONS_MAX, Connections};
pub(crate) use origin::OwnHosts;
pub(crate) use probes::Probes;
use timed_writes::{TimedWrites, WriteLimit};

use crate::{
    api::{Api, ApiRequest, ApiResponse},
    arn::random_uuid,
    error::ApiError,
    wire::ErrorBody,
};

/// More than any operation can use: `serverProperties` of 64 KiB are 88 KiB in Base64, and 50 tags
/// 75 KiB.
const BODY_BYTES_MAX: usize = 256 << 10;
const HEADER_BYTES_MAX: usize = 64 << 10;
/// What all requests together may hold before their signatures are checked. It is part of what is
/// left of the process's memory when that is divided.
const REQUESTS_BYTES_MAX: usize = 96 << 20;
/// A head is found too long only after the read that made it so, which may bring as much again.
const _: () =
    assert!(CONNECTIONS_MAX * (BODY_BYTES_MAX + 2 * HEADER_BYTES_MAX) <= REQUESTS_BYTES_MAX);
/// Of the text of an error: a file of properties may have many mistakes.
const MESSAGE_BYTES_MAX: usize = 4 << 10;
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const WRITE_LIMIT: WriteLimit =
    WriteLimit { wait: Duration::from_secs(30), bytes_per_second: 256 << 10 };
/// Between two warnings of one kind.
const WARN_EVERY: Duration = Duration::from_secs(1);
/// The service's name in signatures.
pub(crate) const SIGNING_NAME: &str = "kafka";
/// How long a connection may take to finish its response when the service stops.
pub const API_DRAIN_MAX: Duration = Duration::from_secs(1);

/// One for all connections.
pub(crate) struct Frontend {
    pub(crate) api: Arc<Api>,
    /// `None`: requests need no signature.
    pub(crate) verifier: Option<Verifier>,
    pub(crate) probes: Arc<Probes>,
    pub(crate) runtime: Runtime,
}

/// Accepts connections until the runtime's scope is told to stop.
pub(crate) async fn serve(frontend: Arc<Frontend>, listener: TcpListener) {
    let stopping = frontend.runtime.stopping().clone();
    let connections = Arc::new(Connections::default());
    let mut turned_away = Repeated::default();
    let mut not_accepted = Repeated::default();
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let now = frontend.runtime.monotonic();
                match connections.admit(peer.ip(), now) {
                    Some(admitted) => {
                        let served = connection(frontend.clone(), stream, peer, admitted);
                        drop(frontend.runtime.spawn(served));
                    }
                    None => turned_away.warn(now, |count| {
                        tracing::warn!(
                            %peer, count,
                            "all connections of the API are in use; some were closed"
                        );
                    }),
                }
            }
            Err(error) => {
                // Most likely out of file descriptors: some connections must end first.
                not_accepted.warn(frontend.runtime.monotonic(), |count| {
                    tracing::warn!(%error, count, "the API cannot accept connections");
                });
                frontend.runtime.sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// A warning that is given now and then, with how often it would have been.
#[derive(Default)]
struct Repeated {
    count: u64,
    warned: Option<Duration>,
}

impl Repeated {
    fn warn(&mut self, now: Duration, log: impl FnOnce(u64)) {
        self.count += 1;
        if self.warned.is_none_or(|warned| now >= warned + WARN_EVERY) {
            log(std::mem::take(&mut self.count));
            self.warned = Some(now);
        }
    }
}

async fn connection(
    frontend: Arc<Frontend>,
    stream: TcpStream,
    peer: SocketAddr,
    admitted: Admitted,
) {
    let stopping = frontend.runtime.stopping().clone();
    let admitted = &admitted;
    let service = service_fn(|request| {
        let frontend = frontend.clone();
        async move { Ok::<_, Infallible>(frontend.respond(request, peer, admitted).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(READ_TIMEOUT).max_buf_size(HEADER_BYTES_MAX);
    let stream = TokioIo::new(TimedWrites::new(stream, WRITE_LIMIT));
    let mut connection = pin!(http.serve_connection(stream, service));
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = admitted.ended() => {
            tracing::debug!(%peer, "an API connection ended for another one");
            return;
        }
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(API_DRAIN_MAX, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%peer, %error, "an API connection ended");
    }
}

impl Frontend {
    async fn respond(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        admitted: &Admitted,
    ) -> Response<Full<Bytes>> {
        let request_id = random_uuid(&self.runtime).to_string();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let told = |outcome| outcome_response(&method, &path, &request_id, outcome);
        let mut response = match self.preliminary(&request, peer, &request_id).await {
            Some(Preliminary::Foreign(response)) => response,
            Some(Preliminary::Probe(outcome)) => told(outcome),
            None => told(self.call(request, &request_id, admitted).await),
        };
        admitted.waiting(self.runtime.monotonic());
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert("x-amzn-requestid", value);
        }
        response
    }

    /// The response to what is no request to the MSK API.
    async fn preliminary(
        &self,
        request: &Request<Incoming>,
        peer: SocketAddr,
        request_id: &str,
    ) -> Option<Preliminary> {
        let (path, headers) = (request.uri().path(), request.headers());
        let lines = header_lines(headers);
        let query = request.uri().query().unwrap_or_default();
        let method = request.method();
        let signed =
            HttpRequest { method: method.as_str(), path, query, headers: &lines, body: &[] };
        match signed_service(&signed) {
            Some(service) if service != SIGNING_NAME => Some(Preliminary::Foreign(
                other_services::not_offered(&service, headers, request_id),
            )),
            Some(_) => None,
            None => {
                let probe = self.probes.unsigned(method, path, headers, peer.ip()).await;
                probe.map(Preliminary::Probe)
            }
        }
    }

    async fn call(
        &self,
        request: Request<Incoming>,
        request_id: &str,
        admitted: &Admitted,
    ) -> Result<ApiResponse, ApiError> {
        let (head, body) = request.into_parts();
        let refused = |error: SigV4Error| ApiError::Unauthorized(error.to_string());
        let raw_query = head.uri.query().unwrap_or_default();
        let headers = header_lines(&head.headers);
        let mut signed = HttpRequest {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: raw_query,
            headers: &headers,
            body: &[],
        };
        match &self.verifier {
            Some(verifier) => {
                verifier.check_head(&signed, self.runtime.wall_ms()).map_err(refused)?;
            }
            None => self.probes.own_hosts.check(&head.method, &head.headers)?,
        }
        let body = read_body(body).await?;
        if let Some(verifier) = &self.verifier {
            signed.body = &body;
            verifier.verify(&signed, self.runtime.wall_ms()).map_err(refused)?;
            admitted.signed();
        }
        admitted.handling();
        // Whoever has a key may ask from elsewhere too.
        if let Some(outcome) = self.probes.response(&head.method, head.uri.path()).await {
            return outcome;
        }
        let request = ApiRequest {
            raw_path: head.uri.path().to_owned(),
            raw_query: raw_query.to_owned(),
            method: head.method.clone(),
            body,
            request_id: request_id.to_owned(),
        };
        self.api.call(&request).await
    }
}

/// What is decided before a request is taken for one to the MSK API.
enum Preliminary {
    /// For another service.
    Foreign(Response<Full<Bytes>>),
    Probe(Result<ApiResponse, ApiError>),
}

fn header_lines(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

async fn read_body(body: Incoming) -> Result<Bytes, ApiError> {
    let limited = Limited::new(body, BODY_BYTES_MAX).collect();
    match timeout(READ_TIMEOUT, limited).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(ApiError::bad_request(format!(
                "the request body is larger than {BODY_BYTES_MAX} bytes"
            )))
        }
        Ok(Err(_)) => Err(ApiError::bad_request("the request body broke off")),
        Err(_) => Err(ApiError::bad_request("the request body did not arrive within 30 seconds")),
    }
}

/// Logs an outcome and makes the response.
fn outcome_response(
    method: &Method,
    path: &str,
    request_id: &str,
    outcome: Result<ApiResponse, ApiError>,
) -> Response<Full<Bytes>> {
    let error = match outcome {
        Ok(succeeded) => {
            let status = succeeded.status.as_u16();
            tracing::debug!(%method, path, request_id, status, "a request succeeded");
            return response(succeeded.status, succeeded.body);
        }
        Err(error) => error,
    };
    let (status, exception) = error.exception();
    if status.is_server_error() {
        tracing::warn!(%method, path, request_id, exception, %error, "a request failed");
    } else {
        tracing::debug!(%method, path, request_id, exception, %error, "a request was refused");
    }
    error_response(&error)
}

fn error_response(error: &ApiError) -> Response<Full<Bytes>> {
    let (status, exception) = error.exception();
    let shape = ErrorBody {
        invalid_parameter: error.parameter().map(|path| shortened(path.to_owned())),
        message: Some(shortened_to(error.to_string(), MESSAGE_BYTES_MAX)),
    };
    let mut response = response(status, Some(serde_json::to_vec(&shape).unwrap_or_default()));
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(exception));
    response
}

fn response(status: StatusCode, body: Option<Vec<u8>>) -> Response<Full<Bytes>> {
    let json = body.is_some();
    let mut response = Response::new(Full::new(Bytes::from(body.unwrap_or_default())));
    *response.status_mut() = status;
    if json {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response
}

#[cfg(test)]
mod tests;
