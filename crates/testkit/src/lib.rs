//! milena-testkit
