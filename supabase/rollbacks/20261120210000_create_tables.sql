-- Undoes 20261120210000_create_tables: ALL DATA OF PARLEY IS LOST. The roles stay, since other databases of the same
-- server may use them.
drop schema api cascade;
drop schema app cascade;
