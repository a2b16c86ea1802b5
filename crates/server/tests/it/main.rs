//! The program as its users see it: processes, sockets, files.

mod cli;
mod console;
mod evidence;
mod harness;
mod process;
mod signal;
mod sink;
mod tls;
mod twirp;
mod webhook;
