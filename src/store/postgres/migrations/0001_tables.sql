-- What the schema is: its own number, and the oldest one that a process must know to run on it.
CREATE TABLE schema_info (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    current integer NOT NULL,
    min_compatible integer NOT NULL
);
