//! ApiVersions: which APIs this cluster offers, by its Kafka version.
//!
//! A request in a version that is not offered gets a response in version 0 with error 35 and the
//! range of this API, its body unread, so that a newer client can ask again (KIP-511).

use std::ops::RangeInclusive;

use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        api_versions_request::ApiVersionsRequest,
        api_versions_response::{
            ApiVersion, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
        },
    },
};

use super::apis::ClusterApis;
use crate::{
    api::{definition::ApiDefinition, offered::OfferedApis},
    context::RequestContext,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[(3, "names the client's software (KIP-511)")],
    before_authentication: true,
    ..ApiDefinition::new(ApiKey::ApiVersions, 0..=4)
};

/// The first version that names the client's software.
const FIRST_VERSION_WITH_SOFTWARE: i16 = 3;

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &ClusterApis,
    request: ApiVersionsRequest,
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
    let api_keys = apis.offered.advertised().iter().map(api_version).collect();
    with_features(ApiVersionsResponse { api_keys, ..Default::default() }, apis)
}

/// Adds the one feature that says nothing of what is not here, `metadata.version` (KIP-584), if the
/// release has it. The lowest levels of the others would be 0, which clients of version 3 refuse
/// (KAFKA-17492).
fn with_features(mut response: ApiVersionsResponse, apis: &ClusterApis) -> ApiVersionsResponse {
    const NAME: KString = KString::from_static("metadata.version");
    let release = apis.topics.kafka_config.catalogue().version();
    let Some(levels) = release.metadata_version() else { return response };
    let (min_version, max_version) = (*levels.start(), *levels.end());
    response.supported_features =
        vec![SupportedFeatureKey { name: NAME, min_version, max_version }];
    response.finalized_features = vec![FinalizedFeatureKey {
        name: NAME,
        max_version_level: max_version,
        min_version_level: max_version,
    }];
    response.finalized_features_epoch =
        i64::try_from(apis.images.current().revision().0).unwrap_or(i64::MAX);
    response
}

/// The response to a request in a version that is not offered, to be encoded in version 0.
pub(crate) fn unsupported(offered: &OfferedApis) -> ApiVersionsResponse {
    let own = offered.advertised().iter().filter(|(key, _)| *key == ApiKey::ApiVersions);
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
