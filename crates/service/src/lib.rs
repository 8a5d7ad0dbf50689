//! milena-service
