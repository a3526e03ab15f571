//! The rules behind the pages, asked as the gateway asks them: in process, with what it knows of a browser.

mod application;
mod application_scope;
mod code_page;
mod consent;
mod interaction;
mod scope_registry;
mod visitor;
