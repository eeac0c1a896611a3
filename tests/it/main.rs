//! End-to-end tests: the program as people run it, on files as people have them. One binary, so that it links once.

mod arrival;
mod corpus;
mod docs;
mod hostile;
mod nightly;
mod odd;
mod privacy;
mod program;
mod recount;
mod support;
