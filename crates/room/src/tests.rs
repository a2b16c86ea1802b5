//! The engine from outside, one subject per file.

mod data;
mod join;
mod liveness;
mod model;
mod negotiate;
mod permission;
mod publish;
mod random;
mod resume;
mod room_life;
mod service;
mod speakers;
mod steps;
mod subscribe;
mod trace;
mod world;
