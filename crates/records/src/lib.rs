//! milena-records
