//! How a page looks: the client's picture and colour before the workspace's, under the workspace's name.

use crate::engine::workspaces::WorkspaceEntry;
use crate::store::client::Client;
use crate::types::branding::Branding;

/// The product, where an operator named nothing.
const OWN_NAME: &str = "jeton";

/// How a page looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageBranding {
    /// Who asks the person to trust the page.
    pub name: String,
    /// Its picture and colour.
    pub branding: Branding,
}

/// The branding of a page of a workspace, about a client or none.  The client's name never stands for
/// the workspace's: a registrant chooses it.
#[must_use]
pub fn branding_of(workspace: &WorkspaceEntry, client: Option<&Client>) -> PageBranding {
    let record = &workspace.record;
    let name = match record.display_name.as_str() {
        "" if record.name.default() => OWN_NAME,
        "" => record.name.as_str(),
        name => name,
    };
    let own = client.map(|client| client.branding.clone()).unwrap_or_default();
    let theirs = record.branding.clone();
    PageBranding {
        name: name.to_owned(),
        branding: Branding { logo_uri: own.logo_uri.or(theirs.logo_uri), color: own.color.or(theirs.color) },
    }
}
