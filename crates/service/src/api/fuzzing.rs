//! The entry point of the fuzzer of API requests. Tests replay `fuzz/corpus/http` through it.

use bytes::Bytes;
use http::{Method, Uri};
use milena_security::{
    credentials::{AccessKey, Credentials},
    sigv4::{HttpRequest, Verifier},
};

use super::{call::read_body, operations::route, query::Query};
use crate::{
    account::AccountScope,
    validation,
    wire::{
        CreateClusterRequest, CreateClusterV2Request, ProvisionedRequest, RebootBrokerRequest,
        TagResourceRequest, UpdateBrokerStorageRequest,
    },
    zones::Zones,
};

/// The text of a request: method, a space and path with query; header lines; an empty line; the
/// body. Its signature is checked, then it is routed, and its query and body are read as every
/// operation's, whether signed or not.
///
/// # Panics
/// A crate violates an invariant.
pub fn http_requests(data: &[u8]) {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((data, &[][..]), |end| (&data[..end], &data[end + 2..]));
    let Ok(head) = std::str::from_utf8(head) else { return };
    let mut lines = head.split('\n');
    let Some((method, target)) = lines.next().and_then(|line| line.split_once(' ')) else { return };
    let (Ok(method), Ok(target)) = (method.parse::<Method>(), target.parse::<Uri>()) else {
        return;
    };
    let headers: Vec<(String, &[u8])> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().as_bytes()))
        .collect();
    let headers: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let query = target.query().unwrap_or_default();
    let signed = HttpRequest {
        method: method.as_str(),
        path: target.path(),
        query,
        headers: &headers,
        body,
    };
    let key = AccessKey::new("AKIAIOSFODNN7EXAMPLE", "secret");
    let verifier = Verifier::new(Credentials::of(key), "us-east-1", "kafka");
    if let Err(error) = verifier.verify(&signed, 1_440_938_160_000) {
        assert!(!error.to_string().is_empty());
    }
    let _ = route(&method, target.path());
    if let Ok(query) = Query::parse(query) {
        let page = query.page("list", vec![1, 2, 3], ToString::to_string);
        assert!(page.is_err() || page.is_ok_and(|(items, _)| items.len() <= 3));
    }
    check_body(&Bytes::copy_from_slice(body));
}

fn check_body(body: &Bytes) {
    let scope = AccountScope {
        region: "us-east-1".to_owned(),
        account: "000000000000".to_owned(),
        zones: Zones::new("us-east-1", Default::default()),
    };
    if let Ok(request) = read_body::<CreateClusterRequest>(body) {
        let _ = validation::cluster_name(request.cluster_name);
        let _ = validation::tags(request.tags);
    }
    if let Ok(request) = read_body::<ProvisionedRequest>(body) {
        let _ = validation::cluster_spec(request, &scope, "");
    }
    if let Ok(request) = read_body::<CreateClusterV2Request>(body)
        && let Some(provisioned) = request.provisioned
    {
        let _ = validation::cluster_spec(provisioned, &scope, "provisioned.");
    }
    let _ = read_body::<RebootBrokerRequest>(body);
    let _ = read_body::<UpdateBrokerStorageRequest>(body);
    let _ = read_body::<TagResourceRequest>(body);
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_the_fuzzer_found_is_still_refused_or_read() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/http");
        let mut entries = std::fs::read_dir(corpus).unwrap().peekable();
        assert!(entries.peek().is_some(), "there is a corpus");
        entries
            .for_each(|entry| super::http_requests(&std::fs::read(entry.unwrap().path()).unwrap()));
    }
}
