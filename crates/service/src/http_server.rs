//! HTTP in front of the operations: connections, bounded bodies, signatures, and the form of
//! errors.
//!
//! HTTP/1.1 only. A body is read whole, up to a limit, before its signature is checked, for the
//! signature covers it. Every response carries `x-amzn-RequestId`; an error names its exception in
//! `x-amzn-errortype` and has a JSON body of `message` and, where one member is at fault,
//! `invalidParameter`.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use milena_runtime::Runtime;
use milena_security::sigv4::{HttpRequest, Verifier};
use milena_types::shortened;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};

use crate::{
    api::{Api, ApiRequest, ApiResponse},
    arn::random_uuid,
    error::ApiError,
    wire::ErrorBody,
};

/// With `BODY_BYTES_MAX`, unauthenticated callers can occupy 256 MiB at most.
const CONNECTIONS_MAX: usize = 256;
const BODY_BYTES_MAX: usize = 1 << 20;
const HEADER_BYTES_MAX: usize = 64 << 10;
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may take to finish its response when the service stops.
pub const API_DRAIN_MAX: Duration = Duration::from_secs(1);

/// One for all connections.
pub(crate) struct Frontend {
    pub(crate) api: Arc<Api>,
    /// `None`: requests need no signature.
    pub(crate) verifier: Option<Verifier>,
    pub(crate) runtime: Runtime,
}

/// Accepts connections until the runtime's scope is told to stop.
pub(crate) async fn serve(frontend: Arc<Frontend>, listener: TcpListener) {
    let stopping = frontend.runtime.stopping().clone();
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let slot = tokio::select! {
            () = stopping.cancelled() => return,
            slot = slots.clone().acquire_owned() => slot,
        };
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let frontend = frontend.clone();
                let runtime = frontend.runtime.clone();
                drop(runtime.spawn(async move {
                    connection(frontend, stream, peer).await;
                    drop(slot);
                }));
            }
            Err(error) => {
                // Most likely out of file descriptors: some connections must end first.
                tracing::warn!(%error, "the API cannot accept connections for a moment");
                frontend.runtime.sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(frontend: Arc<Frontend>, stream: TcpStream, peer: SocketAddr) {
    let stopping = frontend.runtime.stopping().clone();
    let service = service_fn(|request| {
        let frontend = frontend.clone();
        async move { Ok::<_, Infallible>(frontend.respond(request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(READ_TIMEOUT).max_buf_size(HEADER_BYTES_MAX);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
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
    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let request_id = random_uuid(&self.runtime).to_string();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let mut response = match self.call(request, &request_id).await {
            Ok(succeeded) => {
                let status = succeeded.status.as_u16();
                tracing::debug!(%method, path, request_id, status, "a request succeeded");
                response(succeeded.status, succeeded.body)
            }
            Err(error) => {
                let (status, exception) = error.exception();
                if status.is_server_error() {
                    tracing::warn!(
                        %method, path, request_id, exception, %error,
                        "a request failed"
                    );
                } else {
                    tracing::debug!(
                        %method, path, request_id, exception, %error,
                        "a request was refused"
                    );
                }
                error_response(&error)
            }
        };
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert("x-amzn-requestid", value);
        }
        response
    }

    async fn call(
        &self,
        request: Request<Incoming>,
        request_id: &str,
    ) -> Result<ApiResponse, ApiError> {
        let (head, body) = request.into_parts();
        let body = read_body(body).await?;
        let raw_query = head.uri.query().unwrap_or_default();
        if let Some(verifier) = &self.verifier {
            let headers: Vec<(&str, &[u8])> = head
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_bytes()))
                .collect();
            let signed = HttpRequest {
                method: head.method.as_str(),
                path: head.uri.path(),
                query: raw_query,
                headers: &headers,
                body: &body,
            };
            let verified = verifier.verify(&signed, self.runtime.wall_ms());
            verified.map_err(|error| ApiError::Unauthorized(error.to_string()))?;
        }
        let request = ApiRequest {
            raw_path: head.uri.path().to_owned(),
            raw_query: raw_query.to_owned(),
            method: head.method,
            body,
            request_id: request_id.to_owned(),
        };
        self.api.call(&request).await
    }
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

fn error_response(error: &ApiError) -> Response<Full<Bytes>> {
    let (status, exception) = error.exception();
    let shape = ErrorBody {
        invalid_parameter: error.parameter().map(str::to_owned),
        message: Some(shortened(error.to_string())),
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
