//! Why a configuration cannot be set.

use crate::value::InvalidValue;

/// A configuration that cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// INVALID_CONFIG.
    #[error("unknown topic config name: {0}")]
    UnknownTopicConfig(String),
    /// INVALID_CONFIG.
    #[error(transparent)]
    InvalidValue(#[from] InvalidValue),
    /// Two values contradict each other, or Milena does not have what one asks for
    /// (INVALID_CONFIG).
    #[error("{0}")]
    Conflict(String),
    /// Only lists can be appended to and subtracted from (INVALID_CONFIG).
    #[error("{0} is not a list: set it instead of appending to it or subtracting from it")]
    NotAList(String),
    /// The broker reads it at start only (INVALID_REQUEST).
    #[error("{0} cannot be changed while the broker runs")]
    ReadOnly(String),
    /// It can only be set for one broker (INVALID_REQUEST).
    #[error("{0} cannot be set for all brokers: set it for each")]
    PerBroker(String),
    /// It can only be set for one listener (INVALID_REQUEST).
    #[error("{0} can be set for a listener only: put listener.name.NAME. before it")]
    PerListener(String),
}
