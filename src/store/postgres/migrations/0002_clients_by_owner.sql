-- The applications of one person.  Only faster: schema 1 answers the same.
CREATE INDEX IF NOT EXISTS clients_by_owner ON clients (workspace, owner, id) WHERE owner IS NOT NULL;
