drop function api.read_passages;
