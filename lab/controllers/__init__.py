"""What a cloud and a storage driver do elsewhere: addresses for LoadBalancer Services, volumes for claims."""
