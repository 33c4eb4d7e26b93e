//! Changes of the schema.
