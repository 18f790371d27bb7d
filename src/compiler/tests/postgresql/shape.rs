//! How a database is rendered.
