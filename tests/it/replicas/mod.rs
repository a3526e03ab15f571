//! Several jeton processes on one PostgreSQL: they are one service, and outlive their database's primary.

mod fail_over;
mod fleet;
mod one_service;
