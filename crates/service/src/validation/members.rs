//! The errors of a request's members.

use crate::error::ApiError;

pub(super) type ValidationResult<T> = Result<T, ApiError>;

pub(crate) fn required<T>(value: Option<T>, path: &str) -> ValidationResult<T> {
    value.ok_or_else(|| ApiError::invalid(path, format!("{path} is required")))
}

/// For a member of MSK's API that this release does not offer.
pub(super) fn absent(path: &str, what: &str, instead: &str) -> ApiError {
    ApiError::invalid(
        path,
        format!("{path}: {what} is not offered in this release of Milena; {instead}"),
    )
}

pub(crate) fn not_one_of(path: &str, value: &str, allowed: &str) -> ApiError {
    ApiError::invalid(path, format!("{path}: '{value}' is not allowed; use {allowed}"))
}
