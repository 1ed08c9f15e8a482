//! Changes of what lies between people.
