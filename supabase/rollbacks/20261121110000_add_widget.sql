drop function api.update_widget;

drop function api.read_widget_by_key;

drop function api.read_visitor;

drop function api.open_visit;

drop function api.note_widget_refusal;

drop function api.ensure_widget;

drop function api.begin_visitor_answer;

drop table app.visitors, app.widget_keys, app.widgets;
