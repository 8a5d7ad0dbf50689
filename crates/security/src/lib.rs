//! milena-security
