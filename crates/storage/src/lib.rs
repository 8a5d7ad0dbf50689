//! milena-storage
