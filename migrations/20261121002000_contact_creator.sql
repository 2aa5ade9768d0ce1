-- Who brought a contact in may change it, as its owner may (private.my_contact_ids): pages ask, to offer only what works.

create or replace view public.contact_list with (security_invoker = true) as
select c.id, c.first_name, c.last_name, btrim(c.first_name || ' ' || c.last_name) as full_name, c.email, c.phone,
       c.company_name, c.job_title, c.industry, c.contact_type, y.label as type_label, c.owner_id, o.full_name as owner_name,
       c.city, c.state, c.country, c.time_zone, c.email_status, c.email_status_reason, c.archived_at, c.source,
       c.profile_url, c.website, c.tags, c.notes, c.created_at, c.updated_at, c.search_text,
       e.campaign_name, e.status as enrollment_status, e.next_send_at, c.quiet_until, c.quiet_reason, c.created_by
from public.contacts c
join public.contact_types y on y.key = c.contact_type
left join public.profiles o on o.id = c.owner_id
left join lateral (
  select d.name as campaign_name, e.status, e.next_send_at
  from public.campaign_enrollments e join public.drip_campaigns d on d.id = e.campaign_id
  where e.contact_id = c.id and e.status in ('active', 'paused')
  order by e.is_type_campaign desc, e.enrolled_at desc limit 1) e on true;
