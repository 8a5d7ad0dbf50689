//! ApiVersions, versions 0 to 4: which APIs this cluster offers, by its Kafka version.
//!
//! A version that is not known is answered all the same, in version 0 with error 35 and the range
//! of this API, its body unread, so that a newer client can ask again (KIP-511). From version 3 on
//! the client names its software. It is the one API that may be asked before authentication.

use std::{ops::RangeInclusive, sync::LazyLock};

use milena_protocol::{
    ApiKey, ErrorCode, KafkaVersion,
    messages::{
        api_versions_request::ApiVersionsRequest,
        api_versions_response::{ApiVersion, ApiVersionsResponse},
    },
};

use crate::{access::Principal, context::RequestContext, dispatch::SERVED, shared::BrokerShared};

/// Who asks before it has authenticated.
pub(crate) static BEFORE_AUTHENTICATION: LazyLock<Principal> =
    LazyLock::new(|| Principal::user("ANONYMOUS"));

/// The first version that names the client's software.
const FIRST_VERSION_WITH_SOFTWARE: i16 = 3;

/// What a cluster of one Kafka version offers, looked up by every request.
#[derive(Debug)]
pub struct OfferedApis {
    served: Vec<Option<(i16, i16)>>,
    advertised: Vec<(ApiKey, RangeInclusive<i16>)>,
}

impl OfferedApis {
    /// What a cluster of `version` offers: what the release has of what is served here.
    pub fn new(version: KafkaVersion) -> Self {
        let keys = SERVED.iter().map(|key| key.code() as usize + 1).max().unwrap_or(0);
        let mut served = vec![None; keys];
        for key in SERVED {
            served[key.code() as usize] =
                version.api_range(*key).map(|range| (*range.start(), *range.end()));
        }
        Self { served, advertised: version.advertised(SERVED) }
    }

    /// The versions in which an API is served.
    pub fn get(&self, key: ApiKey) -> Option<RangeInclusive<i16>> {
        let (low, high) = (*self.served.get(usize::try_from(key.code()).ok()?)?)?;
        Some(low..=high)
    }

    /// What ApiVersions answers.
    pub fn advertised(&self) -> &[(ApiKey, RangeInclusive<i16>)] {
        &self.advertised
    }
}

/// Answers a request in a version that is offered.
pub(crate) fn handle(
    context: &RequestContext,
    broker: &BrokerShared,
    request: &ApiVersionsRequest,
) -> ApiVersionsResponse {
    if context.api_version >= FIRST_VERSION_WITH_SOFTWARE {
        let (name, version) = (&request.client_software_name, &request.client_software_version);
        if !is_software_name(name) || !is_software_name(version) {
            return ApiVersionsResponse {
                error_code: ErrorCode::InvalidRequest.code(),
                ..Default::default()
            };
        }
        tracing::debug!(peer = %context.client_address(), %name, %version, "client software");
    }
    let api_keys = broker.offered.advertised().iter().map(api_version).collect();
    // No features are told: their lowest levels would be 0, which clients of version 3 refuse
    // (KAFKA-17492).
    ApiVersionsResponse { api_keys, ..Default::default() }
}

/// Answers a request in a version that is not offered, to be encoded in version 0.
pub(crate) fn unsupported(broker: &BrokerShared) -> ApiVersionsResponse {
    let own = broker.offered.advertised().iter().filter(|(key, _)| *key == ApiKey::ApiVersions);
    ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: own.map(api_version).collect(),
        ..Default::default()
    }
}

fn api_version((key, versions): &(ApiKey, RangeInclusive<i16>)) -> ApiVersion {
    ApiVersion { api_key: key.code(), min_version: *versions.start(), max_version: *versions.end() }
}

/// Kafka's rule: letters, digits, dots and dashes, with a letter or digit at both ends (KIP-511).
fn is_software_name(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    let outer = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    outer(bytes.first()) && outer(bytes.last()) && bytes.iter().all(|b| inner(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_names_follow_kip_511() {
        for good in ["a", "apache-kafka-java", "4.1.0", "librdkafka", "2.3.0-RC1"] {
            assert!(is_software_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a b", "a_b", "ä"] {
            assert!(!is_software_name(bad), "{bad}");
        }
    }
}
