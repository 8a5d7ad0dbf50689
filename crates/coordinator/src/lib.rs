//! milena-coordinator
