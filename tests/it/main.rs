//! End-to-end tests: the program as people run it, on files as people have them. One binary, so that it links once.

mod arrival;
mod as_of;
mod billing;
mod circulation;
mod compact;
mod corpus;
mod courses;
mod crash;
mod deploy;
mod docs;
mod drift;
mod erase;
mod fuzz;
mod grown;
mod hostile;
mod keys;
mod maintain;
mod nightly;
mod odd;
mod older;
mod outages;

mod page;
mod privacy;
mod program;
mod readers;
mod receivers;
mod recount;
mod reprocess;
mod sets;
mod stores;
mod support;
mod unknown;
