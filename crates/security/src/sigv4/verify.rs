//! Verifying the signature of a request.

use aws_lc_rs::constant_time;

use super::{
    ALGORITHM, HttpRequest, Scope, TERMINATOR, UNSIGNED_PAYLOAD, canonical, sha256_hex, signature,
};
use crate::{credentials::AccessKey, credentials::Credentials, timestamp};

/// Between the clocks of client and server.
const CLOCK_SKEW_MS_MAX: i64 = 15 * 60 * 1000;
/// Of a presigned URL.
const EXPIRES_S_MAX: i64 = 7 * 24 * 3600;
/// More than any client signs.
const SIGNED_HEADERS_MAX: usize = 100;

/// Why a request is refused. The text may be shown to the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigV4Error {
    #[error(
        "the request is not signed; sign it with AWS Signature Version 4, as the aws CLI and every \
         AWS SDK do"
    )]
    Unsigned,
    #[error("{part} {reason}")]
    Malformed { part: &'static str, reason: &'static str },
    #[error(
        "the access key id '{0}' is not known here; use a key of the credentials file in the data \
         directory"
    )]
    UnknownAccessKey(String),
    #[error(
        "the credential is for the {part} '{got}', but this endpoint is for '{expected}'; sign for \
         that {part}"
    )]
    Scope {
        /// `region`, `service`, …
        part: &'static str,
        got: String,
        expected: String,
    },
    #[error(
        "the request was signed at {signed}, but it is {now} here; set the client's clock (15 \
         minutes are allowed)"
    )]
    ClockSkew { signed: String, now: String },
    #[error("the presigned address expired at {0}; make a new one")]
    Expired(String),
    #[error("the header '{0}' must be among the signed headers")]
    HeaderNotSigned(String),
    #[error(
        "the signed header '{0}' is not in the request; something between client and server may \
         have removed it"
    )]
    HeaderMissing(String),
    #[error("the body does not have the hash that the header x-amz-content-sha256 gives")]
    PayloadMismatch,
    #[error(
        "the signature does not match; check that the secret belongs to the access key id '{0}' \
         and that nothing between client and server changes path, query or signed headers"
    )]
    SignatureMismatch(String),
}

/// Verifies requests to one service in one region.
#[derive(Clone, Debug)]
pub struct Verifier {
    credentials: Credentials,
    region: String,
    service: String,
}

/// The `Authorization` header, or a presigned URL's parameters.
struct StatedSignature {
    access_key_id: String,
    /// Day, region, service, terminator.
    scope: [String; 4],
    date: String,
    signed: Vec<String>,
    signature: String,
    /// Only of a presigned URL.
    expires_s: Option<i64>,
}

impl Verifier {
    pub fn new(
        credentials: Credentials,
        region: impl Into<String>,
        service: impl Into<String>,
    ) -> Self {
        Self { credentials, region: region.into(), service: service.into() }
    }

    /// The key that the request was signed with. `wall_ms` is the current time.
    pub fn verify(
        &self,
        request: &HttpRequest<'_>,
        wall_ms: i64,
    ) -> Result<&AccessKey, SigV4Error> {
        let (stated, key) = self.stated(request, wall_ms)?;
        let mut signed: Vec<&str> = stated.signed.iter().map(String::as_str).collect();
        signed.sort_unstable();
        let payload_hash = payload_hash(request)?;
        let id = || stated.access_key_id.clone();
        let unsigned = stated.expires_s.map(|_| "X-Amz-Signature");
        let canonical = canonical::request(request, &signed, &payload_hash, unsigned);
        let scope = Scope { day: &stated.scope[0], region: &self.region, service: &self.service };
        let expected = signature(key.secret(), &scope, &stated.date, &canonical);
        let same = constant_time::verify_slices_are_equal(
            expected.as_bytes(),
            stated.signature.as_bytes(),
        );
        same.map_err(|_| SigV4Error::SignatureMismatch(id()))?;
        Ok(key)
    }

    /// Checks everything but the signature, for which the body need not be there: a caller who
    /// knows no access key id is refused before a body is read.
    pub fn check_head(&self, request: &HttpRequest<'_>, wall_ms: i64) -> Result<(), SigV4Error> {
        self.stated(request, wall_ms).map(drop)
    }

    /// What the request states, checked, and the key that it names.
    fn stated(
        &self,
        request: &HttpRequest<'_>,
        wall_ms: i64,
    ) -> Result<(StatedSignature, &AccessKey), SigV4Error> {
        let stated = stated(request)?;
        self.check_scope(&stated)?;
        check_time(&stated, wall_ms)?;
        let signed: Vec<&str> = stated.signed.iter().map(String::as_str).collect();
        check_signed_headers(request, &signed)?;
        let key = self
            .credentials
            .find(&stated.access_key_id)
            .ok_or_else(|| SigV4Error::UnknownAccessKey(stated.access_key_id.clone()))?;
        Ok((stated, key))
    }

    fn check_scope(&self, stated: &StatedSignature) -> Result<(), SigV4Error> {
        let [day, region, service, terminator] = &stated.scope;
        let parts = [
            ("day", day, &stated.date[..8]),
            ("region", region, self.region.as_str()),
            ("service", service, self.service.as_str()),
            ("terminator", terminator, TERMINATOR),
        ];
        for (part, got, expected) in parts {
            if got != expected {
                return Err(SigV4Error::Scope {
                    part,
                    got: got.clone(),
                    expected: expected.to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// The AWS service that a request is signed for, if it is signed.
pub fn signed_service(request: &HttpRequest<'_>) -> Option<String> {
    let [_, _, service, _] = stated(request).ok()?.scope;
    Some(service)
}

fn stated(request: &HttpRequest<'_>) -> Result<StatedSignature, SigV4Error> {
    match request.header("authorization") {
        Some(text) => from_header(request, text),
        None if canonical::query_value(request.query, "X-Amz-Algorithm").is_some() => {
            from_query(request.query)
        }
        None => Err(SigV4Error::Unsigned),
    }
}

fn from_header(request: &HttpRequest<'_>, text: &str) -> Result<StatedSignature, SigV4Error> {
    let malformed = |reason| SigV4Error::Malformed { part: "the Authorization header", reason };
    let rest = text
        .strip_prefix(ALGORITHM)
        .ok_or_else(|| malformed("must begin with AWS4-HMAC-SHA256"))?;
    let (mut credential, mut signed, mut signature) = (None, None, None);
    for part in rest.split(',') {
        match part.trim().split_once('=') {
            Some(("Credential", value)) => credential = Some(value),
            Some(("SignedHeaders", value)) => signed = Some(value),
            Some(("Signature", value)) => signature = Some(value),
            _ => return Err(malformed("may have Credential, SignedHeaders and Signature only")),
        }
    }
    let date = request.header("x-amz-date").ok_or(SigV4Error::Malformed {
        part: "the header x-amz-date",
        reason: "is missing; it says when the request was signed, as in 20150830T123600Z",
    })?;
    stated_signature(
        credential.ok_or_else(|| malformed("lacks Credential"))?,
        signed.ok_or_else(|| malformed("lacks SignedHeaders"))?,
        signature.ok_or_else(|| malformed("lacks Signature"))?,
        date,
        None,
    )
}

fn from_query(query: &str) -> Result<StatedSignature, SigV4Error> {
    let value = |name| {
        canonical::query_value(query, name).ok_or(SigV4Error::Malformed {
            part: name,
            reason: "is missing from the presigned address",
        })
    };
    if value("X-Amz-Algorithm")? != ALGORITHM {
        return Err(SigV4Error::Malformed {
            part: "X-Amz-Algorithm",
            reason: "must be AWS4-HMAC-SHA256",
        });
    }
    let expires_s =
        value("X-Amz-Expires")?.parse().ok().filter(|s| (1..=EXPIRES_S_MAX).contains(s));
    let expires_s = expires_s.ok_or(SigV4Error::Malformed {
        part: "X-Amz-Expires",
        reason: "must be 1 to 604800 seconds",
    })?;
    stated_signature(
        &value("X-Amz-Credential")?,
        &value("X-Amz-SignedHeaders")?,
        &value("X-Amz-Signature")?,
        &value("X-Amz-Date")?,
        Some(expires_s),
    )
}

fn stated_signature(
    credential: &str,
    signed: &str,
    signature: &str,
    date: &str,
    expires_s: Option<i64>,
) -> Result<StatedSignature, SigV4Error> {
    let malformed = |part, reason| SigV4Error::Malformed { part, reason };
    if timestamp::parse_amz_date(date).is_none() {
        return Err(malformed("the date of the signature", "must be of the form 20150830T123600Z"));
    }
    // The access key id comes first and may itself have a '/'; the scope is the last four parts.
    let mut parts: Vec<&str> = credential.rsplitn(5, '/').collect();
    parts.reverse();
    let [id, day, region, service, terminator] = parts[..] else {
        return Err(malformed(
            "Credential",
            "must be of the form KEY/DAY/REGION/SERVICE/aws4_request",
        ));
    };
    let signed: Vec<String> = signed.split(';').map(str::to_ascii_lowercase).collect();
    if signed.len() > SIGNED_HEADERS_MAX {
        return Err(malformed("SignedHeaders", "names more than 100 headers"));
    }
    Ok(StatedSignature {
        access_key_id: id.to_owned(),
        scope: [day, region, service, terminator].map(str::to_owned),
        date: date.to_owned(),
        signed,
        signature: signature.to_owned(),
        expires_s,
    })
}

fn check_time(stated: &StatedSignature, wall_ms: i64) -> Result<(), SigV4Error> {
    let signed = timestamp::parse_amz_date(&stated.date).expect("parsed in stated_signature");
    let skewed =
        || SigV4Error::ClockSkew { signed: stated.date.clone(), now: timestamp::amz_date(wall_ms) };
    match stated.expires_s {
        None if (wall_ms - signed).abs() > CLOCK_SKEW_MS_MAX => Err(skewed()),
        Some(_) if signed - wall_ms > CLOCK_SKEW_MS_MAX => Err(skewed()),
        Some(expires_s) if signed + expires_s * 1000 < wall_ms => {
            Err(SigV4Error::Expired(timestamp::amz_date(signed + expires_s * 1000)))
        }
        _ => Ok(()),
    }
}

/// `host` and all `x-amz-…` headers must be signed, and signed headers must be present.
fn check_signed_headers(request: &HttpRequest<'_>, signed: &[&str]) -> Result<(), SigV4Error> {
    for (name, _) in request.headers {
        if (*name == "host" || name.starts_with("x-amz-")) && !signed.contains(name) {
            return Err(SigV4Error::HeaderNotSigned((*name).to_owned()));
        }
    }
    if !signed.contains(&"host") {
        return Err(SigV4Error::HeaderNotSigned("host".to_owned()));
    }
    match signed.iter().find(|name| !request.headers.iter().any(|(n, _)| n == *name)) {
        Some(gone) => Err(SigV4Error::HeaderMissing((*gone).to_owned())),
        None => Ok(()),
    }
}

/// The signed hash of the body, after it was compared with the body.
fn payload_hash(request: &HttpRequest<'_>) -> Result<String, SigV4Error> {
    match request.header("x-amz-content-sha256") {
        None => Ok(sha256_hex(request.body)),
        Some(UNSIGNED_PAYLOAD) => Ok(UNSIGNED_PAYLOAD.to_owned()),
        Some(stated) if stated.starts_with("STREAMING-") => Err(SigV4Error::Malformed {
            part: "x-amz-content-sha256",
            reason: "asks for a body signed in chunks, which only S3 has; send the hash of the \
            whole body",
        }),
        Some(stated) if stated == sha256_hex(request.body) => Ok(stated.to_owned()),
        Some(_) => Err(SigV4Error::PayloadMismatch),
    }
}
