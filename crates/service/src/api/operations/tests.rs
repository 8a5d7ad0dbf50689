use milena_runtime::Runtime;
use milena_testkit::documents::check_part;

use super::*;
use crate::testing::{TestService, store};

const PAGE: &str = "docs/operations/msk-api.md";

/// A path of the template, in which every parameter is `x`.
fn sample_path(template: &str) -> String {
    let segments = template.split('/').map(|s| if s.starts_with('{') { "x" } else { s });
    segments.collect::<Vec<_>>().join("/")
}

#[test]
fn an_encoded_arn_is_one_label() {
    let path = "/v1/clusters/arn%3Aaws%3Akafka%3Ar%3Aa%3Acluster%2Fdemo%2Fu-1/nodes";
    let (operation, parameters) = route(&Method::GET, path).unwrap();
    assert_eq!(operation.name, "ListNodes");
    assert_eq!(parameters.text("clusterArn").unwrap(), "arn:aws:kafka:r:a:cluster/demo/u-1");
}

#[test]
fn every_operation_has_one_route() {
    assert_eq!(MSK.len() + NONE.len(), 73);
    for operation in MSK.iter().chain(NONE).chain(MILENA) {
        let (found, _) = route(&operation.method, &sample_path(operation.path)).unwrap();
        assert_eq!(found.name, operation.name, "{} {}", operation.method, operation.path);
    }
}

#[tokio::test]
async fn every_handler_finds_its_parameters_in_the_path() {
    let (_dir, metadata) = store();
    let service = TestService::idle(Runtime::system(), metadata);
    for operation in MSK.iter().chain(NONE).chain(MILENA) {
        let (method, path) = (operation.method.clone(), sample_path(operation.path));
        let outcome = service.call_raw(method, &path, "{}").await;
        assert!(!matches!(outcome, Err(ApiError::Internal(_))), "{}: {outcome:?}", operation.name);
    }
}

/// The operations with their routes, the offered ones first, each part in order of names.
fn table(operations: &[ApiOperation], none: &[ApiOperation]) -> String {
    let part = |operations: &[ApiOperation], what: &str, is_offered: bool| {
        let rows = operations.iter().filter(|row| row.handler.is_some() == is_offered);
        let mut rows: Vec<&ApiOperation> = rows.collect();
        rows.sort_by_key(|operation| operation.name);
        let row = |ApiOperation { name, method, path, .. }: &ApiOperation| {
            format!("| {name} | `{method} {path}` | {what} |\n")
        };
        rows.into_iter().map(row).collect::<String>()
    };
    let head = "| Operation | Route | |\n|---|---|---|\n";
    let (offered, refused) =
        (part(operations, "offered", true), part(operations, "refused by name", false));
    format!("{head}{offered}{}{refused}", part(none, "finds none", true))
}

#[test]
fn document_lists_all_operations() {
    check_part(PAGE, "operations", &table(MSK, NONE));
    check_part(PAGE, "own operations", &table(MILENA, &[]));
}

#[test]
fn what_is_no_route_says_so() {
    for path in [
        "",
        "/",
        "/v1/clusters/",
        "/v1/clusters//nodes",
        "/v1/clusters/a/b/c",
        "/v1/clusters/arn:a/x/y",
    ] {
        assert!(matches!(route(&Method::GET, path), Err(ApiError::UnknownOperation(_))), "{path}");
    }
    let error = route(&Method::PUT, "/v1/clusters").unwrap_err().to_string();
    assert!(error.contains("POST or GET"), "{error}");
    assert!(route(&Method::GET, "/v1/clusters/%ff").is_err());
}
