//! milena-client
