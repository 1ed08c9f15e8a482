//! kith as its users meet it: a real server on a real socket, a real Postgres with a database of its
//! own for each test.

mod conventions;
mod support;
