//! AWS Signature Version 4: checking requests ([`Verifier`]) and signing them ([`Signer`]).
//!
//! Both forms are accepted: the `Authorization` header, and the `X-Amz-…` query of a presigned URL.
//! The path is encoded once more before it is signed, as for every AWS service but S3, so a `%3A`
//! on the wire is signed as `%253A`. An error says which part did not match, and contains neither a
//! secret nor a computed signature.
//!
//! Source: "Signature Version 4 signing process" in the AWS General Reference; the tests carry
//! AWS's own vectors.

mod canonical;
mod sign;
mod verify;

pub use sign::Signer;
pub use verify::{SigV4Error, Verifier, signed_service};

use aws_lc_rs::hmac;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The signed parts of an HTTP request, as they came over the wire.
#[derive(Clone, Copy, Debug)]
pub struct HttpRequest<'a> {
    /// In capitals.
    pub method: &'a str,
    /// Encoded.
    pub path: &'a str,
    /// Encoded, without the `?`; empty when there is none.
    pub query: &'a str,
    /// All lines in order: the name in lower case, and the value.
    pub headers: &'a [(&'a str, &'a [u8])],
    pub body: &'a [u8],
}

impl HttpRequest<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(n, _)| *n == name)?;
        std::str::from_utf8(value).ok().map(str::trim)
    }
}

/// The credential scope of a signature.
struct Scope<'a> {
    day: &'a str,
    region: &'a str,
    service: &'a str,
}

impl Scope<'_> {
    fn text(&self) -> String {
        format!("{}/{}/{}/{TERMINATOR}", self.day, self.region, self.service)
    }
}

/// In lower-case hexadecimal digits.
fn signature(secret: &str, scope: &Scope<'_>, amz_date: &str, canonical_request: &str) -> String {
    let to_sign = format!(
        "{ALGORITHM}\n{amz_date}\n{}\n{}",
        scope.text(),
        sha256_hex(canonical_request.as_bytes())
    );
    let key = hmac_sha256(format!("AWS4{secret}").as_bytes(), scope.day.as_bytes());
    let key = hmac_sha256(key.as_ref(), scope.region.as_bytes());
    let key = hmac_sha256(key.as_ref(), scope.service.as_bytes());
    let key = hmac_sha256(key.as_ref(), TERMINATOR.as_bytes());
    hex::encode(hmac_sha256(key.as_ref(), to_sign.as_bytes()))
}

fn hmac_sha256(key: &[u8], data: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data)
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

#[cfg(test)]
mod tests;
