//! The engine between real WebRTC clients, in virtual time and without
//! sockets.

mod forwarding;
mod hostile;
mod local;
mod net;
mod viewer;
