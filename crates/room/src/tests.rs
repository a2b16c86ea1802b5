//! The engine from outside, one subject per file.

mod data;
mod join;
mod permission;
mod publish;
mod random;
mod resume;
mod room_life;
mod service;
mod speakers;
mod subscribe;
mod trace;
mod world;
