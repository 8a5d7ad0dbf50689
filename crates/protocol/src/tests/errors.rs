//! The table of error codes.

use crate::ErrorCode;
use kafka_protocol::ResponseError;

#[test]
fn codes_are_dense_and_named_once() {
    for (i, error) in ErrorCode::ALL.iter().enumerate() {
        assert_eq!(error.code(), i as i16 - 1);
        assert_eq!(ErrorCode::from_code(error.code()), *error);
        let same_name = ErrorCode::ALL.iter().filter(|e| e.name() == error.name()).count();
        assert_eq!(same_name, 1, "{error}");
    }
    assert_eq!(ErrorCode::from_code(30_000), ErrorCode::UnknownServerError);
    assert_eq!(ErrorCode::known(30_000), None);
}

#[test]
fn names_and_retries_agree_with_another_implementation() {
    let (mut known, mut differ) = (0, Vec::new());
    for error in ErrorCode::ALL.iter().filter(|e| e.is_error()) {
        let theirs =
            ResponseError::try_from_code(error.code()).expect("every code but zero is an error");
        if matches!(theirs, ResponseError::Unknown(_)) {
            continue;
        }
        let name = error.name().replace('_', "").to_lowercase();
        assert_eq!(name, format!("{theirs:?}").to_lowercase(), "{}", error.code());
        if error.is_retriable() != theirs.is_retriable() {
            differ.push(*error);
        }
        known += 1;
    }
    // Clients do retry this one: it says that the previous change of the same transaction is still
    // being written.
    assert_eq!(differ, [ErrorCode::ConcurrentTransactions]);
    assert!(known > 100, "{known}");
}
