//! Signing a request with a local access key.

use super::{ALGORITHM, HttpRequest, Scope, canonical, sha256_hex, signature};
use crate::{credentials::AccessKey, timestamp};

/// Signs requests to one service in one region.
#[derive(Clone, Debug)]
pub struct Signer {
    key: AccessKey,
    region: String,
    service: String,
}

impl Signer {
    /// Signs with that key.
    pub fn new(key: AccessKey, region: impl Into<String>, service: impl Into<String>) -> Self {
        Self { key, region: region.into(), service: service.into() }
    }

    /// The headers to add to a request, `x-amz-date` and `authorization`. All headers of the
    /// request are signed and must include `host`; an `x-amz-content-sha256` replaces the body's
    /// hash.
    pub fn headers(&self, request: &HttpRequest<'_>, wall_ms: i64) -> [(&'static str, String); 2] {
        let date = timestamp::amz_date(wall_ms);
        let scope = self.scope(&date);
        let mut headers = request.headers.to_vec();
        headers.push(("x-amz-date", date.as_bytes()));
        let mut signed: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        signed.sort_unstable();
        signed.dedup();
        let request = HttpRequest { headers: &headers, ..*request };
        let stated = request.header("x-amz-content-sha256").map(str::to_owned);
        let payload_hash = stated.unwrap_or_else(|| sha256_hex(request.body));
        let canonical = canonical::request(&request, &signed, &payload_hash, None);
        let signature = signature(self.key.secret(), &scope, &date, &canonical);
        let (id, scope, signed) = (&self.key.id, scope.text(), signed.join(";"));
        let authorization = format!(
            "{ALGORITHM} Credential={id}/{scope}, SignedHeaders={signed}, Signature={signature}"
        );
        [("x-amz-date", date), ("authorization", authorization)]
    }

    /// The query of a presigned URL: the request's own, then the `X-Amz-…` parameters. Of the
    /// headers only `host` is signed.
    #[cfg(test)]
    pub(super) fn presigned_query(
        &self,
        request: &HttpRequest<'_>,
        wall_ms: i64,
        expires_s: u32,
    ) -> String {
        let date = timestamp::amz_date(wall_ms);
        let scope = self.scope(&date);
        let credential = canonical::encode(&format!("{}/{}", self.key.id, scope.text()));
        let own =
            if request.query.is_empty() { String::new() } else { format!("{}&", request.query) };
        let query = format!(
            "{own}X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={credential}&X-Amz-Date={date}\
             &X-Amz-Expires={expires_s}&X-Amz-SignedHeaders=host"
        );
        let request = HttpRequest { query: &query, ..*request };
        let canonical = canonical::request(&request, &["host"], &sha256_hex(request.body), None);
        let signature = signature(self.key.secret(), &scope, &date, &canonical);
        format!("{query}&X-Amz-Signature={signature}")
    }

    fn scope<'a>(&'a self, date: &'a str) -> Scope<'a> {
        Scope { day: &date[..8], region: &self.region, service: &self.service }
    }
}
