"""What Waybill is made of: lock files, known vulnerabilities, bills of materials, licences. None of it runs on AWS."""
